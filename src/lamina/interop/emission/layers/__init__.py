"""Emitters: what each layer computes, in the language of drafts."""
