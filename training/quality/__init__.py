"""The page on quality: what the extractors of the package find on texts that nothing was trained on."""
