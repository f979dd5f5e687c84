"""The commands beside the stages: each looks at a run, or makes something of it."""
