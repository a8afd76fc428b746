"""What people do in Slack, from the signed request to what the database keeps."""
