// Command k8slab is a Kubernetes control plane on loopback, for tests: etcd, kube-apiserver, kube-controller-manager and
// kube-scheduler as they are, and KWOK in the place of kubelets, all in one process. Its pods run nothing; what they are said
// to do is written in annotations (stages.yaml).
//
//	k8slab [--dir DIR] [--nodes N] [--node-cpu CPU] [--node-memory MEM]
//
// It prints a line of JSON once it is ready, and ends with SIGTERM. It is a module of its own: nothing of the program depends
// on it.
package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwokcmd "sigs.k8s.io/kwok/pkg/kwok/cmd"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
)

func main() { os.Exit(up()) }

// newKwokCommand returns KWOK's command with arguments of ours. It reads os.Args for its configuration, so those are swapped
// meanwhile.
func newKwokCommand(args []string) (*cobra.Command, error) {
	saved := os.Args
	os.Args = append([]string{"kwok"}, args...)
	defer func() { os.Args = saved }()
	fs := pflag.NewFlagSet("global", pflag.ContinueOnError)
	fs.ParseErrorsAllowlist.UnknownFlags = true
	fs.Usage = func() {}
	ctx, _ := kwoklog.InitFlags(baseCtx(), fs)
	ctx, err := kwokconfig.InitFlags(ctx, fs)
	if err != nil {
		return nil, err
	}
	cmd := kwokcmd.NewCommand(ctx)
	cmd.PersistentFlags().AddFlagSet(fs)
	cmd.Version = "" // cobra merges pflag.CommandLine, whose "version" is no bool here
	cmd.SetArgs(args)
	cmd.SetContext(ctx)
	return cmd, nil
}
