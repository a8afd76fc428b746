"""The project's own Slack: a hostile stand-in for the Web API, and the judge of what was delivered."""
