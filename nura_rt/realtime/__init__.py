"""Who hears it: channels, connections, the hub of this instance and the bus between instances."""
