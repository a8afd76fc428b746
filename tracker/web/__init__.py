"""Pages: forms and views, one file per noun."""
