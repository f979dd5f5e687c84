"""Galaxy Zoo: from nothing to a Kaggle submission, in five stages."""
