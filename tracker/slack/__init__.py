"""The only package that imports slack_sdk."""
