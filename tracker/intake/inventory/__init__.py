"""The formats in which inventories come."""
