"""From a recipe to a trained model: recipe, objective, trainer, directions."""
