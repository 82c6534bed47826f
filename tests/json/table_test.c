/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables: what is said about a document that does not fit, and that one that does comes back
 * as it was. Documents are written with single quotes, which json-c reads too. */
#include "bulkhead/json/table.h"

#include "check.h"

#include "bulkhead/base/str.h"

#include <json-c/json_tokener.h>

#include <string.h>

static const char *const colour_words[] = {"RED", "GREEN"};
static const char *const loud_words[] = {"quiet", "loud"};

static bool is_shout(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(text);
}
static const struct text_format format_shout = {"capital letters", "^[A-Z]+$", is_shout};

struct wheel {
    char *name;
    int64_t size;
};
static const struct field wheel_fields[] = {
    FIELD(struct wheel, name, "name", .required = true, .max = 5),
    FIELD(struct wheel, size, "size", .min = 1, .max = 9, .scale = 100, .fallback = 300),
};
static const struct object_type wheel_type = OBJECT_TYPE(struct wheel, "Wheel", wheel_fields);

struct car {
    char *plate, *word;
    int64_t doors, at_ns, weight;
    uint32_t serial;
    struct opt_i64 age;
    bool open, loud, has_engine;
    enum { NO_COLOUR, RED, GREEN } colour;
    struct text_list tags;
    struct key_values parts;
    struct wheel *wheels;
    size_t wheel_count;
    struct wheel spare[2];
    size_t spare_count;
    struct wheel steering;
    int64_t power;
};

static const struct field engine_fields[] = {FIELD(struct car, power, "power", .required = true)};
static const struct object_type engine_type = OBJECT_TYPE(struct car, "Engine", engine_fields);

static const struct field car_fields[] = {
    FIELD(struct car, plate, "plate", .required = true, .max = 4, .format = &format_shout),
    FIELD(struct car, word, "word", WORDS(colour_words), .any_case = true),
    FIELD(struct car, doors, "doors", .min = 2, .max = 5, .fallback = 4),
    FIELD(struct car, serial, "serial", .keep_zero = true),
    FIELD(struct car, age, "age", .min = 0, .max = 100),
    FIELD(struct car, open, "open"),
    WORD(struct car, loud, loud_words, "noise", .fallback = 1),
    WORD(struct car, colour, colour_words, "colour", .min = RED),
    TIME(struct car, at_ns, "at"),
    BYTES(struct car, weight, "weight", .min = 1),
    FIELD(struct car, tags, "tags", .max = 3, .item_max = 3, .format = &format_shout),
    FIELD(struct car, parts, "parts", .max = 2),
    LIST(struct car, wheels, wheel_count, &wheel_type, "wheels", .max = 4),
    ARRAY(struct car, spare, spare_count, &wheel_type, "spare"),
    OBJECT(struct car, steering, &wheel_type, "steering"),
    PART(&engine_type, "engine", .present_offset = offsetof(struct car, has_engine)),
};
static const struct object_type car_type = OBJECT_TYPE(struct car, "Car", car_fields);

/* The car as it is encoded again, or what is wrong with it. Caller frees. */
static char *again(const char *text)
{
    struct err err = {.kind = ERR_NONE};
    struct car car = {0};
    AUTO(json_object) doc = json_tokener_parse(text);
    int result = json_decode(&car_type, doc, JSON_ROOT("car"), &car, &err);
    AUTO(json_object) out = json_encode(&car_type, &car);
    json_done(&car_type, &car);
    return text_copy(result < 0 ? err.text : json_print(out));
}

static const struct {
    const char *name, *given, *want;
} cases[] = {
    {"defaults", "{'plate':'AB'}",
     "{\"plate\":\"AB\",\"doors\":4,\"serial\":0,\"noise\":\"loud\"}"},
    {"everything",
     "{'plate':'AB','word':'gReEn','doors':2,'serial':4294967295,'age':0,'open':true,"
     "'noise':'quiet','colour':'RED','at':'2026-11-21T09:30:00.5Z','weight':'1.5Gi',"
     "'tags':['X','YZ'],'parts':{'b':'1','a':''},'wheels':[{'name':'fl','size':2},{'name':'fr'}],"
     "'spare':[{'name':'s','size':1}],'steering':{'name':'st','size':9},'engine':{'power':75}}",
     "{\"plate\":\"AB\",\"word\":\"GREEN\",\"doors\":2,\"serial\":4294967295,\"age\":0,"
     "\"open\":true,\"noise\":\"quiet\",\"colour\":\"RED\",\"at\":\"2026-11-21T09:30:00.500000Z\","
     "\"weight\":\"1536Mi\",\"tags\":[\"X\",\"YZ\"],\"parts\":{\"b\":\"1\",\"a\":\"\"},"
     "\"wheels\":[{\"name\":\"fl\",\"size\":2},{\"name\":\"fr\",\"size\":3}],"
     "\"spare\":[{\"name\":\"s\",\"size\":1}],\"steering\":{\"name\":\"st\",\"size\":9},"
     "\"engine\":{\"power\":75}}"},
    {"null is absent", "{'plate':'AB','age':null,'steering':null}",
     "{\"plate\":\"AB\",\"doors\":4,\"serial\":0,\"noise\":\"loud\"}"},
    {"no object", "[]", "car: [], expected an object"},
    {"nothing", "null", "car: null, expected an object"},
    {"required", "{}", "car.plate: required"},
    {"required and empty", "{'plate':''}", "car.plate: 0 characters, expected 1..4"},
    {"too long", "{'plate':'ABCDE'}", "car.plate: 5 characters, expected 1..4"},
    {"format", "{'plate':'ab'}", "car.plate: \"ab\", expected capital letters"},
    {"no text", "{'plate':7}", "car.plate: 7, expected a text"},
    {"word", "{'plate':'A','word':'blue'}", "car.word: \"blue\", expected RED or GREEN"},
    {"case counts", "{'plate':'A','colour':'red'}", "car.colour: \"red\", expected RED or GREEN"},
    {"out of range", "{'plate':'A','doors':0}", "car.doors: 0, expected 2..5"},
    {"no integer", "{'plate':'A','doors':'two'}", "car.doors: \"two\", expected an integer 2..5"},
    {"a fraction", "{'plate':'A','doors':2.5}", "car.doors: 2.5, expected an integer 2..5"},
    {"u32", "{'plate':'A','serial':-1}", "car.serial: -1, expected 0..4294967295"},
    {"no bool", "{'plate':'A','open':1}", "car.open: 1, expected true or false"},
    {"no time", "{'plate':'A','at':'noon'}",
     "car.at: \"noon\", expected a time such as 2026-11-21T09:30:00Z"},
    {"no quantity", "{'plate':'A','weight':'1,5'}",
     "car.weight: \"1,5\", not a quantity such as 16Gi"},
    {"no list", "{'plate':'A','tags':'X'}", "car.tags: \"X\", expected a list"},
    {"too many", "{'plate':'A','tags':['A','B','C','D']}", "car.tags: 4 items, expected 0..3"},
    {"a bad item", "{'plate':'A','tags':['A','b']}",
     "car.tags[1]: \"b\", expected capital letters"},
    {"a long item", "{'plate':'A','tags':['ABCD']}", "car.tags[0]: 4 characters, expected 1..3"},
    {"too many parts", "{'plate':'A','parts':{'a':'','b':'','c':''}}",
     "car.parts: 3 entries, expected 0..2"},
    {"a part is no text", "{'plate':'A','parts':{'a':1}}", "car.parts.a: 1, expected a text"},
    {"in a list", "{'plate':'A','wheels':[{'name':'a'},{'name':'b','size':10}]}",
     "car.wheels[1].size: 10, expected 1..9"},
    {"array too long", "{'plate':'A','spare':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
     "car.spare: 3 items, expected 0..2"},
    {"part", "{'plate':'A','engine':{}}", "car.engine.power: required"},
    {"unknown", "{'plate':'A','wings':2}", "car.wings: no such field"},
    {"unknown below", "{'plate':'A','steering':{'name':'x','sice':1}}",
     "car.steering.sice: no such field"},
    {"shown in part",
     "{'plate':'A','doors':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}",
     "car.doors: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..., "
     "expected an integer 2..5"},
};

TEST(decode_and_encode)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_TEXT got = again(cases[i].given);
        CHECK_TEXT(cases[i].name, got, cases[i].want);
    }
}

TEST(what_was_encoded_decodes_to_the_same)
{
    AUTO_TEXT once = again(cases[1].given);
    AUTO_TEXT twice = again(once);
    CHECK_TEXT("again", twice, once);
}

/* A status must not be refused as a whole for one long message. */
TEST(long_texts_are_cut_when_written)
{
    char name[] = "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f.six";
    const struct wheel wheel = {.name = name, .size = 100};
    AUTO(json_object) out = json_encode(&wheel_type, &wheel);
    CHECK_TEXT("five characters", json_print(out),
               "{\"name\":\"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f.\",\"size\":1}");
}

static void on_field(void *ctx, const char *path, const struct field *field)
{
    str_addf(ctx, "%s%s ", path, field->required ? "!" : "");
}

TEST(walk)
{
    AUTO_STR out = STR_EMPTY;
    json_walk(&car_type, "", on_field, &out);
    CHECK_TEXT("paths", str_text(&out),
               ".plate! .word .doors .serial .age .open .noise .colour .at .weight .tags .parts "
               ".wheels .wheels[].name! .wheels[].size .spare .spare[].name! .spare[].size "
               ".steering .steering.name! .steering.size .engine .engine.power! ");
}

static const struct {
    const char *name, *given, *want;
} texts[] = {
    {"object", "{\"a\":[1,2]}", "{\"a\":[1,2]}"},
    {"blanks", " {} \n", "{}"},
    {"number", "12", "12"},
    {"slashes", "\"a/b\"", "\"a/b\""},
    {"empty", "", "not JSON: it ends too early"},
    {"cut", "{\"a\":", "not JSON: it ends too early"},
    {"twice", "{}{}", "not JSON: more text after byte 2"},
    {"comment", "/* no */ 1", "not JSON: unexpected character at byte 0"},
};

TEST(parse)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err err = {.kind = ERR_NONE};
        AUTO(json_object) doc = NULL;
        int result = json_parse(texts[i].given, strlen(texts[i].given), &doc, &err);
        CHECK_TEXT(texts[i].name, result < 0 ? err.text : json_print(doc), texts[i].want);
    }
}

TEST(depth_is_bounded)
{
    AUTO_STR deep = STR_EMPTY;
    struct err err = {.kind = ERR_NONE};
    AUTO(json_object) doc = NULL;
    for (int i = 0; i < 1000; i++)
        str_add(&deep, "[");
    CHECK_INT("refused", json_parse(str_text(&deep), deep.size, &doc, &err), -1);
    CHECK_HAS("said", err.text, "nesting");
}

TEST(getters_take_anything)
{
    AUTO(json_object)
    doc = json_tokener_parse("{'t':'x','e':'','n':5,'b':true,'o':{'k':'v','l':1},"
                             "'a':['p',2,'q'],'at':'1970-01-01T00:00:01Z'}");
    struct key_values map = {NULL, 0};
    struct text_list list = {NULL, 0};
    CHECK_TEXT("text", json_get_text(doc, "t"), "x");
    CHECK_TEXT("empty", json_get_text(doc, "e"), NULL);
    CHECK_TEXT("other type", json_get_text(doc, "n"), NULL);
    CHECK_TEXT("of nothing", json_get_text(NULL, "n"), NULL);
    CHECK_INT("number", json_get_i64(doc, "n", 0), 5);
    CHECK_INT("no number", json_get_i64(doc, "t", -7), -7);
    CHECK_INT("bool", json_get_bool(doc, "b"), 1);
    CHECK_INT("time", json_get_time(doc, "at"), NS_PER_S);
    CHECK_INT("no time", json_get_time(doc, "t"), 0);
    json_get_key_values(json_get_object(doc, "o"), &map);
    json_get_texts(json_get_list(doc, "a"), &list);
    CHECK_INT("texts of a map", (int64_t)map.count, 1);
    CHECK_TEXT("value", key_values_get(&map, "k"), "v");
    CHECK_INT("texts of a list", (int64_t)list.count, 2);
    CHECK_TEXT("second", list.items[1], "q");
    CHECK_TRUE("no list", json_list_at(doc, 0) == NULL);
    key_values_done(&map);
    text_list_done(&list);
}
