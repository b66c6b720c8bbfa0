"""The editor's form, drafts, completions, samples and comparisons."""
