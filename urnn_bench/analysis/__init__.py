"""Records of many runs to frames, means, intervals and comparisons."""
