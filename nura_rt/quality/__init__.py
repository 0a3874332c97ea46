"""How good the screening is, measured on labelled files; `nura-rt screen` and `nura-rt evaluate` speak for it."""
