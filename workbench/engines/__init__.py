"""Where the audit's work items run."""
