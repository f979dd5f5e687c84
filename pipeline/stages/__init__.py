"""The five stages, in running order: download, preprocess, train, predict, export."""
