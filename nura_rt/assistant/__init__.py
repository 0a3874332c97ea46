"""Language models behind one port, and the offline companion that needs none."""
