"""Where models come from: a path becomes a folder of files that can be loaded, or a reason why not."""
