"""The editor behind its page: the form and its draft, what it completes, previews and compares."""
