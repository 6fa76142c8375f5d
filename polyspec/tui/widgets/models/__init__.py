"""Models: what there is, what each is like, and how a download gets on."""
