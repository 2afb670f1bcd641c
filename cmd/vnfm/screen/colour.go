package screen

import "charm.land/lipgloss/v2"

// The styles.
var (
	Bold   = lipgloss.NewStyle().Bold(true)
	Faint  = lipgloss.NewStyle().Faint(true)
	Good   = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	Bad    = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
	Moving = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
)

// Colour colours a state by what it means.
func Colour(s string) string {
	switch s {
	case "COMPLETED", "INSTANTIATED", "ONBOARDED", "ENABLED", "DONE", "SUCCEEDED", "ACTIVE", "STARTED":
		return Good.Render(s)
	case "FAILED", "FAILED_TEMP", "ERROR", "STUCK", "UNKNOWN", "ABANDONED":
		return Bad.Render(s)
	case "STARTING", "PROCESSING", "ROLLING_BACK", "RUNNING", "UNDOING", "SENT", "UPLOADING", "COMPENSATING", "SETTLING", "BUILDING", "HELD":
		return Moving.Render(s)
	}
	return s
}
