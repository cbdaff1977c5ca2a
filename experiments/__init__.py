"""Programs that wire agents, environments and launchers together."""
