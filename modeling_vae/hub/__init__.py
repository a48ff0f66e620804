"""Published folders, their cards, the Hub and Spaces."""
