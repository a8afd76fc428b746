"""The engagement tracker: managed migrations, their scope, hours, freezes and deadlines."""
