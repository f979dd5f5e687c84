"""Kaggle's client, credentials, ledger of submissions and final standings."""
