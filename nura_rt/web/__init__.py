"""The browser client: plain files served under /assets, no build step.

Invariant: the page never loads anything from elsewhere and never sets HTML from text.
"""
