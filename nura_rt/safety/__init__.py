"""Who must know and what helps now: places that help, by country."""
