"""What people do in Slack: commands, buttons, forms, and the news that Slack sends. Signed HTTP and Socket Mode alike."""
