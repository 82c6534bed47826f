#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""lint.py - what a reviewer should not have to say

    hack/lint.py [CHECK...]      all checks, or the ones named; `hack/lint.py --list` names them

One line for each check, and what it found above that line. Looks at the files that git knows or
would add. The checks that read text take a moment; building with both compilers, clang-tidy and
cppcheck run side by side and keep what they learnt under build/lint, by content.

A ban names its replacement. Where a ban is wrong for one line, write on that line why, as
`lint: allow NAME, because ...`.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "lint"
CPUS = os.cpu_count() or 2
LINES_MAX = 900

# --- Arrows: who may include whom --------------------------------------------------------------
# The Makefile's LINK_ lines say the same plus what these need in turn.
ARROWS = {
    "base": set(),
    "json": {"base"},
    "api": {"json", "base"},
    "kube": {"json", "base"},
    "aws": {"json", "base"},
    "core": {"api", "base"},
    "nodes": {"kube", "aws", "api", "json", "base"},
    "serve": {"api", "json", "base"},
    "history": {"api", "json", "base"},
    "record": {"core", "api", "json", "base"},
    "day": {"record", "core", "api", "json", "base"},
    "replay": {"day", "record", "core", "api", "json", "base"},
    "cli": {"core", "kube", "api", "json", "base"},
}

# The core is a pure state machine: it may use these and nothing else of the system.
CORE_HEADERS = {
    "assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "string.h",
}
CORE_BASE_HEADERS_BANNED = {
    "log.h": "return a verdict, an action or a struct err: only controller/ logs",
}
CORE_FUNCTIONS_BANNED = {
    r"time|clock|clock_gettime|gettimeofday|clock_steady_ns|clock_wall_ns|localtime(?:_r)?|strftime":
        "the now_ns that core_plan is given",
    r"rand|srand|random|srandom|rand_r|drand48|getrandom|arc4random\w*":
        "hash_bytes over names and UIDs, so that the same events give the same plan",
    r"getenv|secure_getenv|setenv|putenv": "a field of struct core_options, set by controller/",
    r"printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|putc|fputc|perror|syslog":
        "a verdict or a struct err; text goes through str_addf or arena_printf",
    r"fopen|open|read|write|fread|fwrite|fgets|socket|connect|send|recv|poll|select|epoll_\w+":
        "an event in and an action out: only controller/ does I/O",
    r"pthread_\w+|thrd_\w+|mtx_\w+|uv_\w+|fork|sleep|usleep|nanosleep|signal|sigaction":
        "nothing: the core has one thread and never waits",
    r"exit|_exit|quick_exit": "assert for bugs, a struct err for input",
}

# --- Functions that nobody uses ----------------------------------------------------------------
FUNCTIONS_BANNED = {
    r"strcpy|stpcpy|strncpy": "text_copy, arena_copy, or memcpy with a known size",
    r"strcat|strncat": "str_add",
    r"sprintf|vsprintf|asprintf|vasprintf": "str_addf, arena_printf, text_printf or snprintf",
    r"gets|scanf|sscanf|fscanf": "a parser that returns a struct err",
    r"atoi|atol|atoll|atof": "strtoll with its end checked, or quantity_value",
    r"strtok|strtok_r": "strcspn and a size",
    r"system|popen": "posix_spawn with an argument list",
    r"alloca": "arena_alloc",
    r"strdup|strndup": "text_copy or text_copy_n, which cannot fail",
    r"malloc|calloc|realloc|reallocarray": "mem_new or mem_grow, which cannot fail",
    r"gmtime|localtime|ctime|asctime": "time_print",
    r"tmpnam|mktemp|tempnam": "mkstemp",
    r"setjmp|longjmp": "a struct err",
    r"pthread_create|thrd_create|uv_thread_create|uv_queue_work|clone":
        "the event loop: all of it is one thread, so that there is nothing to race",
    r"rand|srand|random|srandom": "getrandom, or hash_bytes where it must repeat",
}
FUNCTIONS_ALLOWED = {
    "src/base/str.c": {"calloc", "malloc", "reallocarray"},
    "tests/heap/heap.c": {"malloc", "calloc", "realloc", "reallocarray"},  # it is them
}


class Findings:
    """What one check found: errors make it fail, notes do not."""

    def __init__(self):
        self.errors, self.notes, self.summary = [], [], ""

    def error(self, path, line, text):
        where = f"{path}:{line}" if line else f"{path}"
        self.errors.append(f"{where}: {text}")


# --- Files -------------------------------------------------------------------------------------

def list_files():
    try:
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT,
                             check=True, capture_output=True).stdout.decode()
        names = [name for name in out.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # a source archive
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                 if not {"build", ".git"} & set(path.relative_to(ROOT).parts)]
    return sorted({name for name in names if (ROOT / name).is_file()})


FILES = list_files()
TEXTS = {}


def text_of(name):
    """A file's text; None when it is not text."""
    if name not in TEXTS:
        data = (ROOT / name).read_bytes()
        try:
            TEXTS[name] = None if b"\0" in data else data.decode()
        except UnicodeDecodeError:
            TEXTS[name] = None
    return TEXTS[name]


def c_files():
    return [name for name in FILES if name.endswith((".c", ".h"))]


def shell_files():
    return [name for name in FILES if name.endswith(".sh") or
            re.match(r"#!.*\b(?:ba)?sh\b", (text_of(name) or "")[:80])]


def python_files():
    return [name for name in FILES if name.endswith(".py") or
            re.match(r"#!.*\bpython3?\b", (text_of(name) or "")[:80])]


C_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_lines(name):
    """A C file's lines without comments and without what stands in quotes."""
    def blank(match):
        found = match.group(0)
        return '""' if found[0] == '"' else "0" if found[0] == "'" else "\n" * found.count("\n")
    return C_TOKENS.sub(blank, text_of(name) or "").split("\n")


def is_allowed(name, number, ban):
    lines = (text_of(name) or "").split("\n")
    return number <= len(lines) and f"lint: allow {ban}" in lines[number - 1]


def module_of(name):
    parts = name.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ["include", "bulkhead"] and len(parts) > 3:
        return parts[2]
    return None


# --- Checks that read text ---------------------------------------------------------------------

def check_arrows(found):
    include = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
    for name in c_files():
        module = module_of(name)
        if module is None:
            continue
        if module not in ARROWS:
            found.error(name, 0, f"module {module} is not in the arrows of hack/lint.py")
            continue
        for number, line in enumerate((text_of(name) or "").split("\n"), 1):
            match = include.match(line)
            if match:
                check_include(found, name, number, module, match.group(1) == "<", match.group(2))
    found.summary = f"{len(ARROWS)} modules"


def check_include(found, name, number, module, is_system, header):
    parts = header.split("/")
    if parts[0] == "bulkhead":
        other = parts[1] if len(parts) > 2 else ""
        if is_system:
            found.error(name, number, f'<{header}>: write "{header}"')
        if other != module and other not in ARROWS[module]:
            may = ", ".join(sorted(ARROWS[module])) or "nothing else"
            found.error(name, number, f"{module} includes {header}: {module} may include {may}")
        if module == "core" and other == "base" and parts[-1] in CORE_BASE_HEADERS_BANNED:
            found.error(name, number, f"core includes {header}: instead, "
                        f"{CORE_BASE_HEADERS_BANNED[parts[-1]]}")
    elif not is_system and len(parts) > 1:
        found.error(name, number, f"{header}: a module's private headers are its own; what others "
                    "may use goes to include/bulkhead/")
    elif is_system and module == "core" and header not in CORE_HEADERS:
        found.error(name, number, f"core includes <{header}>: the core is pure; take what you need "
                    "as a field of an event")


def check_core(found):
    check_functions(found, [name for name in c_files() if module_of(name) == "core"],
                    CORE_FUNCTIONS_BANNED, "in the core, ")


def check_bans(found):
    check_functions(found, c_files(), FUNCTIONS_BANNED, "")


def check_functions(found, names, bans, prefix):
    # Not a member (a.open(...)), not part of a longer name, not a declaration's own name.
    patterns = [(re.compile(rf"(?<![\w.>])(?P<name>{ban})\s*\("), use) for ban, use in bans.items()]
    for name in names:
        for number, line in enumerate(code_lines(name), 1):
            for pattern, use in patterns:
                for match in pattern.finditer(line):
                    function = match.group("name")
                    if function in FUNCTIONS_ALLOWED.get(name, ()):
                        continue
                    if not is_allowed(name, number, function):
                        found.error(name, number, f"{prefix}no {function}(): use {use}")
    found.summary = f"{len(names)} files"


def check_spdx(found):
    sources = [name for name in FILES
               if name.endswith((".c", ".h", ".py", ".sh")) or name in ("Makefile", ".ci/run") or
               (text_of(name) or "").startswith("#!")]
    for name in sources:
        head = (text_of(name) or "").split("\n")[:3]
        line = head[1] if head[0].startswith(("#!", "# shellcheck")) and len(head) > 1 else head[0]
        if "SPDX-License-Identifier: Apache-2.0" not in line and (text_of(name) or "").strip():
            found.error(name, 1, "the file opens with its SPDX-License-Identifier line (after #!)")
    found.summary = f"{len(sources)} files"


PUBLIC_HOSTS = {
    "pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "proxy.golang.org", "sum.golang.org",
    "crates.io", "index.crates.io", "static.crates.io", "repo.maven.apache.org", "deb.debian.org",
    "security.debian.org", "archive.ubuntu.com", "security.ubuntu.com", "ports.ubuntu.com",
    "github.com", "localhost",
}


def private_hosts():
    """Hosts that this machine's package clients are pointed at, other than the public ones."""
    home = pathlib.Path.home()
    texts = [value for key, value in os.environ.items()
             if re.search(r"INDEX_URL|GOPROXY|GONOSUMDB|REGISTRY|MIRROR|HTTPS?_PROXY", key, re.I)]
    configs = ["/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf",
               home / ".npmrc", home / ".cargo/config.toml", home / ".config/go/env",
               home / ".m2/settings.xml", "/etc/apt/sources.list",
               *pathlib.Path("/etc/apt/sources.list.d").glob("*")]
    for config in configs:
        try:
            texts.append(pathlib.Path(config).read_text(errors="replace"))
        except OSError:
            pass
    hosts = set()
    for text in texts:
        for url in re.findall(r"https?://[^\s\"',|<>]+", text):
            try:
                host = urllib.parse.urlsplit(url).hostname or ""
            except ValueError:
                continue
            public = host in PUBLIC_HOSTS or re.search(
                r"(?:^|\.)(?:apache\.org|w3\.org|debian\.org|ubuntu\.com)$", host)
            if "." in host and not public and not re.fullmatch(r"127(?:\.\d+){3}", host):
                hosts.add(host)
    return hosts


def check_text(found):
    machine_path = re.compile(r"(?<![\w.}$~*/-])/(?:work|root|home/[a-z]\w*)(?=/)")
    hosts = private_hosts()
    count = 0
    for name in FILES:
        text = text_of(name)
        if text is None or name == "LICENSE" or "/corpus/" in name:  # inputs of fuzz targets are as they are
            continue
        count += 1
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() and not name.endswith((".patch", ".diff")):
                found.error(name, number, "space at the end of the line")
            match = machine_path.search(line)
            if match and "lint: allow path" not in line:
                found.error(name, number, f"{match.group(0)}: a path of one machine; use a relative "
                            "one, a temporary folder or a variable")
            for host in hosts:
                if host in line:
                    found.error(name, number, "names this machine's own package host")
        if text and not text.endswith("\n"):
            found.error(name, 0, "no newline at the end of the file")
    found.summary = f"{count} files"


# The last column of a row of docs/semantics.md: `tests/x_test.c: name, "a row of its table ..."; tests/y.py: test_z`
BOUND = re.compile(r"^\|[^|]*\| `([^`]+)`, (\S+) \|")  # | what | `CONSTANT = 1`, file | ...
PROOF = re.compile(r"((?:tests|hack)/[\w/.-]*\w|make [a-z-]+)`?:?([^;]*)")


def check_proofs(found):
    """What docs/semantics.md says of a feature, and docs/limits.md of a bound, is said with a test: it must be there,
    under that name. A bound is said with its constant, which must stand so in its file."""
    count = check_proof_table(found, "docs/semantics.md", "feature") + check_proof_table(found, "docs/limits.md", "what")
    for number, line in enumerate((text_of("docs/limits.md") or "").split("\n"), 1):
        for constant, where in BOUND.findall(line):
            if constant not in (text_of(where) or ""):
                found.error("docs/limits.md", number, f"{where} has no {constant!r}")
    check_names(found)
    found.summary = f"{count} rows"


FIELD = re.compile(r"`(?:\.?status|spec)((?:\.[a-zA-Z]+(?:\[\])?)+)")
METRIC = re.compile(r"`(bulkhead_[a-z_]+[a-z])\b")
VERDICT = re.compile(r'^    \[VERDICT_\w+\]\s*= "(\w+)",', re.M)
VIOLATION = re.compile(r'\bviolation\(\s*\w+,\s*"(\w+)"')
ENDED = re.compile(r'\bjob_(?:end|fail_waiting)\([^;]*?"([A-Z]\w+)"')


def check_names(found):
    """Metrics and fields that a document names are there; each reason of a job has its row in states.md, and what the
    simulator looks for one in simulator.md."""
    crds = "".join(text_of(name) for name in FILES if name.startswith("crds/"))
    metrics = text_of("controller/metrics.c")
    for name in FILES:
        if not name.endswith(".md"):
            continue
        for number, line in enumerate(text_of(name).split("\n"), 1):
            for metric in METRIC.findall(line):
                if f'"{metric}' not in metrics:
                    found.error(name, number, f"controller/metrics.c has no {metric}")
            for path in FIELD.findall(line) if name.startswith("docs/") else ():
                for word in re.findall(r"\w+", path):
                    if not re.search(rf"^ +(?:- )?{word}:", crds, re.M):
                        found.error(name, number, f"no CRD has a field {word}")
    sim = "".join(text_of(name) for name in FILES if re.fullmatch(r"tests/sim/\w+\.c", name))
    first = re.findall(r"^\| ([\w, ]+) \|", text_of("docs/simulator.md"), re.M)
    held = {word for cell in first for word in cell.split(", ")}
    for invariant in sorted(set(VIOLATION.findall(sim)) - held):
        found.error("docs/simulator.md", 0, f"no row for {invariant}, which tests/sim looks for")
    core = {name: text_of(name) for name in FILES if re.fullmatch(r"src/core/\w+\.c", name)}
    told = {reason for text in core.values() for reason in VERDICT.findall(text) + ENDED.findall(text)}
    rows = set(re.findall(r"^\| `([A-Z]\w+)` \|", text_of("docs/states.md"), re.M))
    for reason in sorted(told - rows):
        found.error("docs/states.md", 0, f"no row for the reason {reason}")
    for reason in sorted(rows):
        if not any(f'"{reason}"' in text for text in core.values()):
            found.error("docs/states.md", 0, f"src/core has no reason {reason}")


def check_proof_table(found, table, first):
    count, seen = 0, set()
    for number, line in enumerate((text_of(table) or "").split("\n"), 1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)][1:-1]
        if len(cells) < 2 or cells[0] == first or set(cells[0]) <= set("-"):
            continue
        count += 1
        if cells[0] in seen:
            found.error(table, number, f"a second row {cells[0]!r}")
        seen.add(cells[0])
        if len(cells) != 4:
            found.error(table, number, f"{len(cells)} columns, expected 4, of which the last is the test")
            continue
        proofs = PROOF.findall(cells[3])
        if not proofs:
            found.error(table, number, f"no test in the last column: {cells[3][:60]!r}")
        for where, names in proofs:
            if where.startswith("make "):
                continue
            text = text_of(where) if where in FILES else None
            if text is None:
                found.error(table, number, f"{where}: no such file")
                continue
            # C text constants are cut into lines: compare without quotes and spaces.
            plain = re.sub(r'[\s"\\]+', "", text)
            for quoted in re.findall(r'"([^"]+)"', names):
                for part in quoted.split("..."):
                    if re.sub(r'[\s"\\]+', "", part.strip()) not in plain:
                        found.error(table, number, f"{where} has no {part.strip()!r}")
            for word in re.findall(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+", re.sub(r'"[^"]*"', "", names)):
                if not re.search(rf"\b{word}\b", text):
                    found.error(table, number, f"{where} has no {word}")
    return count


# A structure's members: `struct job_queue {...}` in a header, without comments and preprocessor lines.
MEMBER = re.compile(r"(\w+)\s*(?:\[[^\]]*\])?\s*(?:,|;)")


def struct_members(text, tag):
    """The names of its members; those of structures and enums declared inside it are none."""
    match = re.search(rf"\bstruct {tag} \{{", text)
    if not match:
        return None
    depth, at = 1, match.end()
    body = []
    while depth > 0:
        char = text[at]
        depth += (char == "{") - (char == "}")
        if depth == 1 and char != "}":
            body.append(char)
        at += 1
    return MEMBER.findall("".join(body))


def check_record(found):
    """What the core is told is recorded member by member: each must stand in src/record/types.c."""
    table = "src/record/types.c"
    headers = "\n".join(re.sub(r"/\*.*?\*/", "", text_of(name) or "", flags=re.S) for name in FILES
                        if re.match(r"include/bulkhead/(?:api|json|core)/\w+\.h$", name))
    types = re.findall(r"^(?:PART|ROOT)\((\w+),(.*?)\n#undef T", text_of(table) or "", re.M | re.S)
    for tag, body in types:
        members = struct_members(headers, tag)
        there = set(re.findall(r"\b[A-Z]+\((\w+)", body))
        counts = set(re.findall(r"\b(?:LIST|ARRAY|NUMBERS)\(\w+,\s*(\w+)", body))
        if members is None:
            found.error(table, 0, f"struct {tag} is in no header")
            continue
        for member in members:
            if member not in there | counts:
                found.error(table, 0, f"struct {tag} has a member {member} that is not here: a recorded day "
                            f"would lose it (M({member}), ENUM, STRUCT, LIST, ...)")
    # What an answer brings is written by hand.
    events = text_of("src/record/events.c") or ""
    for member in struct_members(headers, "done") or []:
        if len(re.findall(rf"done->{member}\b", events)) < 2:
            found.error("src/record/events.c", 0, f"struct done has a member {member} that put_done and get_done "
                        "do not have: a recorded day would lose it")
    found.summary = f"{len(types)} structures"


def check_bugs(found):
    """Each bug that the simulator is tested with can still be put into the program."""
    if "tests/sim/bugs.txt" in FILES:
        run(found, ["hack/seeded-bugs", "--check"])


def check_length(found):
    for name in FILES:
        if name.endswith((".c", ".h", ".py")):
            count = (text_of(name) or "").count("\n")
            if count > LINES_MAX:
                found.notes.append(f"{name}: {count} lines; over {LINES_MAX} it is time to split it")
    found.summary = f"{len(found.notes)} over {LINES_MAX} lines" if found.notes else ""


def check_python(found):
    names = python_files()
    for name in names:
        try:
            compile(text_of(name) or "", name, "exec", dont_inherit=True)
        except SyntaxError as error:
            found.error(name, error.lineno or 0, f"{error.msg}")
    found.summary = f"{len(names)} files"


# --- Checks that run programs ------------------------------------------------------------------

def run(found, command, **options):
    """Runs a program at the root; what it printed is an error when it fails."""
    # Under make, the variables of the calling make must not reach the inner one.
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "CC", "CFLAGS")}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False, **options)
    except OSError as error:
        found.error(command[0], 0, f"{error.strerror}: run hack/deps.sh lint")
        return None
    if done.returncode != 0:
        lines = [line for line in done.stdout.split("\n") if not line.startswith(("  CC", "  LD"))]
        found.errors.append("\n".join(lines).strip() or f"{command[0]}: exit {done.returncode}")
    return done.stdout


def check_format(found):
    names = c_files()
    said = Findings()
    if names:
        run(said, ["clang-format", "--dry-run", "-Werror", *names])
    wrong = {}
    for file, line in re.findall(r"^(\S+?):(\d+):\d+: error: ", "\n".join(said.errors), re.M):
        wrong.setdefault(file, []).append(line)
    for file, lines in wrong.items():
        found.error(file, lines[0], f"{len(lines)} places are laid out otherwise: "
                    f"clang-format -i {file}")
    if said.errors and not wrong:
        found.errors += said.errors
    found.summary = f"{len(names)} files"


def check_shell(found):
    names = shell_files()
    if names:
        run(found, ["shellcheck", "-x", *names])
    found.summary = f"{len(names)} files"


def check_gcc(found):
    run(found, ["make", "--no-print-directory", "-k", "CC=gcc", "JOBS=1", "objects"])


def check_clang(found):
    run(found, ["make", "--no-print-directory", "-k", "CC=clang", "JOBS=1", "objects"])


def check_cppcheck(found):
    names = [name for name in c_files() if name.endswith(".c")]
    CACHE.joinpath("cppcheck").mkdir(parents=True, exist_ok=True)
    if names:
        run(found, ["cppcheck", "--enable=warning,performance,portability", "--error-exitcode=1",
                    "--inline-suppr", "--std=c11", "--library=posix", "--quiet", "-Iinclude",
                    "-Itests", "-I.", "-D__GNUC__", "-D_GNU_SOURCE", "--max-configs=1",
                    "--suppress=missingIncludeSystem", "--suppress=unknownMacro",
                    "--suppress=preprocessorErrorDirective",
                    f"--cppcheck-build-dir={CACHE / 'cppcheck'}",
                    "--template={file}:{line}: {id}: {message}", *names])
    found.summary = f"{len(names)} files"


def check_crds(found):
    if not (ROOT / "tests/api/crd_lint.c").exists():
        found.summary = "no comparison yet: tests/api/crd_lint.c is not there"
        return
    crds = [name for name in FILES if name.startswith("crds/") and name.endswith((".yaml", ".yml"))]
    if run(found, ["make", "--no-print-directory", "JOBS=1", "build/crd-lint"]) is not None:
        if not found.errors:
            run(found, ["build/crd-lint", *crds])
    found.summary = f"{len(crds)} CRDs"


def tidy_flags():
    packages = re.search(r"^PACKAGES := (.*)$", text_of("Makefile"), re.M).group(1).split()
    flags = subprocess.run(["pkg-config", "--cflags", *packages], capture_output=True, text=True,
                           check=False).stdout.split()
    return ["-std=gnu17", "-D_GNU_SOURCE", "-Iinclude", "-Itests", "-I.",
            "-Wno-gnu-zero-variadic-macro-arguments", *flags]


def tidy_key(name, flags, salt):
    """What the verdict on a file depends on: its own text and that of every header of ours."""
    done = subprocess.run(["clang", "-MM", *flags, name], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        return None
    key = hashlib.sha256(salt)
    for dependency in sorted(set(done.stdout.replace("\\\n", " ").split()[1:])):
        key.update(dependency.encode() + b"\0" + (ROOT / dependency).read_bytes() + b"\0")
    return key.hexdigest()


def check_tidy_file(name, flags, salt):
    """Returns what clang-tidy says about one file, and whether that was known already."""
    key = tidy_key(name, flags, salt)
    marker = CACHE / "tidy" / key if key else None
    if marker and marker.exists():
        return "", True
    found = Findings()
    run(found, ["clang-tidy", "--quiet", name, "--", *flags])
    if marker and not found.errors:
        marker.touch()
    text = "\n".join(found.errors)
    return re.sub(r"^\d+ warnings? (?:generated|treated as errors?)\.?$\n?|^Suppressed .*\n?|"
                  r"^Use -header-filter.*\n?", "", text, flags=re.M).strip(), False


def check_tidy(found, pool):
    names = [name for name in c_files() if name.endswith(".c")]
    CACHE.joinpath("tidy").mkdir(parents=True, exist_ok=True)
    flags = tidy_flags()
    try:
        version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        found.error("clang-tidy", 0, "not found: run hack/deps.sh lint")
        return
    salt = version + (ROOT / ".clang-tidy").read_bytes() + " ".join(flags).encode()
    known = 0
    jobs = [pool.submit(check_tidy_file, name, flags, salt) for name in names]
    for job in jobs:
        text, was_known = job.result()
        known += was_known
        if text:
            found.errors.append(text)
    found.summary = f"{len(names)} files, {known} unchanged"


# --- Main --------------------------------------------------------------------------------------

QUICK = {
    "arrows": check_arrows, "core": check_core, "bans": check_bans, "spdx": check_spdx,
    "text": check_text, "length": check_length, "proofs": check_proofs, "record": check_record, "bugs": check_bugs,
    "python": check_python,
    "format": check_format, "shell": check_shell,
}
SLOW = {
    "gcc": check_gcc, "clang": check_clang, "cppcheck": check_cppcheck, "tidy": check_tidy,
    "crds": check_crds,
}
printing = threading.Lock()


def judge(name, check, *arguments):
    start = time.monotonic()
    found = Findings()
    check(found, *arguments)
    seconds = time.monotonic() - start
    with printing:
        for text in found.errors + found.notes:
            print(text)
        verdict = "FAILED" if found.errors else "ok"
        print(f"lint: {name:<9} {verdict:<7} {seconds:5.1f} s  {found.summary}".rstrip(), flush=True)
    return not found.errors


def main(arguments):
    checks = {**QUICK, **SLOW}
    if arguments == ["--list"]:
        print("\n".join(checks))
        return 0
    unknown = [name for name in arguments if name not in checks]
    if unknown:
        print(f"lint: no check named {', '.join(unknown)}; there are: {', '.join(checks)}")
        return 2
    wanted = arguments or list(checks)

    results = [judge(name, QUICK[name]) for name in wanted if name in QUICK]
    # The build needs one make at a time in a folder of objects: gcc first, then what shares it.
    with concurrent.futures.ThreadPoolExecutor(CPUS) as pool, \
            concurrent.futures.ThreadPoolExecutor(CPUS) as files:
        def one_after_another(names):
            return [judge(name, SLOW[name]) for name in names if name in wanted]
        jobs = [pool.submit(one_after_another, ["gcc", "clang", "crds"])]
        if "tidy" in wanted or "cppcheck" in wanted:
            def analyze():
                done = one_after_another(["cppcheck"])
                if "tidy" in wanted:
                    done.append(judge("tidy", check_tidy, files))
                return done
            jobs.append(pool.submit(analyze))
        for job in jobs:
            results += job.result()
    print(f"lint: {sum(results)} checks passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
