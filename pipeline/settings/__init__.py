"""Every setting, the presets, and how users write them."""
