"""A believable installation to look at: three engagements in different stages, told as a story that ends today."""
