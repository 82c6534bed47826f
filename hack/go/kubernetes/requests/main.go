// SPDX-License-Identifier: Apache-2.0

// requests says what Kubernetes itself makes of pods and quantities: the other side of
// tests/differential. One line of standard input gives one line of standard output.
//
//	requests pods        a pod as JSON -> "cpu=1500 memory=64 nvidia.com/gpu=1", sorted by name
//	requests quantities  a text        -> "VALUE MILLI", or "error"
//
// A pod is decoded as JSON, given the API server's defaults, and counted with the options that the
// scheduler uses. cpu is in thousandths, everything else in units; what is 0 is left out, and so is
// the resource "pods".
//
// Value() and MilliValue() are undefined beyond int64: there the exact decimal decides, capped at
// plus or minus 2^63-1. So it does where MilliValue() of a negative number beyond its fast path is
// wrong. How often each of the two was needed is told on standard error.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"sort"
	"strings"

	inf "gopkg.in/inf.v0"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	defaults "k8s.io/kubernetes/pkg/apis/core/v1"
)

var beyond, mended int

// exact is the quantity in units of 10^-decimals, away from zero, and whether int64 holds it.
func exact(q resource.Quantity, decimals int) (int64, bool) {
	copied := q.DeepCopy()
	dec := new(inf.Dec).Set(copied.AsDec())
	dec.SetScale(dec.Scale() - inf.Scale(decimals))
	whole := new(inf.Dec).Round(dec, 0, inf.RoundUp).UnscaledBig()
	if whole.IsInt64() && whole.Int64() != math.MinInt64 {
		return whole.Int64(), true
	}
	if whole.Cmp(big.NewInt(0)) < 0 {
		return -math.MaxInt64, false
	}
	return math.MaxInt64, false
}

func decide(q resource.Quantity, decimals int, said int64) int64 {
	value, fits := exact(q, decimals)
	if !fits {
		beyond++
		return value
	}
	if said != value && q.Sign() < 0 {
		mended++
		return value
	}
	return said
}

func unit(q resource.Quantity) int64  { return decide(q, 0, q.Value()) }
func milli(q resource.Quantity) int64 { return decide(q, 3, q.MilliValue()) }

func pod(line string) string {
	var p v1.Pod
	if err := json.Unmarshal([]byte(line), &p); err != nil {
		return "error"
	}
	defaults.SetObjectDefaults_Pod(&p)
	list := resourcehelper.PodRequests(&p, resourcehelper.PodResourcesOptions{UseStatusResources: true})
	words := []string{}
	for name, q := range list {
		amount := int64(0)
		if name == v1.ResourceCPU {
			amount = milli(q)
		} else if name != v1.ResourcePods {
			amount = unit(q)
		}
		if amount != 0 {
			words = append(words, fmt.Sprintf("%s=%d", name, amount))
		}
	}
	sort.Strings(words)
	return strings.Join(words, " ")
}

func quantity(line string) string {
	q, err := resource.ParseQuantity(line)
	if err != nil {
		return "error"
	}
	return fmt.Sprintf("%d %d", unit(q), milli(q))
}

func main() {
	answer := map[string]func(string) string{"pods": pod, "quantities": quantity}
	if len(os.Args) != 2 || answer[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: requests pods|quantities")
		os.Exit(2)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		fmt.Fprintln(out, answer[os.Args[1]](in.Text()))
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "beyond=%d mended=%d\n", beyond, mended)
}
