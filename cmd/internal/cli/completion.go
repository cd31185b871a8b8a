package cli

import (
	"github.com/spf13/cobra"
)

// completionCommand writes the script that makes a shell complete llmops.
func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "print a script that makes a shell complete commands and flags",
		Long:  "Prints the script for a shell on standard output. Load it when the shell starts.",
		Example: "  source <(llmops completion bash)\n" +
			"  llmops completion zsh > \"${fpath[1]}/_llmops\"\n" +
			"  llmops completion fish > ~/.config/fish/completions/llmops.fish\n" +
			"  llmops completion powershell | Out-String | Invoke-Expression",
		ValidArgs: []cobra.Completion{"bash", "zsh", "fish", "powershell"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(out)
			}
		},
	}
}
