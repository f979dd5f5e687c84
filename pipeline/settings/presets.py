"""Several settings at a time: what suits a machine, or a model."""

from typing import Any


def in_section(section: str, values: dict[str, Any]) -> dict[str, Any]:
    return {f"{section}.{name}": value for name, value in values.items()}


OURS = {  # what every network of ours learns by, however it begins
    "train.loss": "votes",
    "train.weight_decay": 0.01,
    "train.zoom": 1.3,
    "train.colour": 0.5,
    "train.reweight": True,
    "train.keep": "last",
    "train.validation_fraction": 0.05,
    "predict.num_zooms": 3,
}

CPU = {  # what two laptop cores do in 25 minutes with 6,000 galaxies
    **OURS,
    "preprocess.image_size": 96,
    "train.model": "efficientnetlite0",
    "train.weights": "imagenet",
    "train.epochs": 14,
    "train.learning_rate": 7e-4,  # more would undo what the weights know
    "predict.num_rotations": 4,
}

EQUIVARIANT = {  # learns from scratch what a galaxy is, whichever way it lies
    "model": "compact",
    "equivariant": True,
    "width": 48,
    "epochs": 40,
    "batch_size": 64,
    "optimizer": "muon",
    "learning_rate": 3e-3,
    "weight_decay": 0.01,
}

PHOTOGRAPHS = {  # what was learned on photographs, at the size it was, on a GPU
    **OURS,
    "demo.num_train": 12_000,
    "demo.num_test": 3_000,
    "preprocess.crop_size": 256,
    "preprocess.image_size": 224,
    "train.weights": "imagenet",
    "train.batch_size": 64,
    "train.weight_decay": 0.05,
    "predict.num_rotations": 4,
    "predict.batch_size": 128,
    "classify.num_images": 0,
}

PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {  # seconds: the whole path, not a score
        "demo.num_train": 64,
        "demo.num_test": 16,
        "preprocess.image_size": 32,
        "preprocess.shard_size": 24,
        "train.width": 8,
        "train.epochs": 3,
        "train.batch_size": 16,
        "report.make": False,
        "classify.max_iterations": 20,
    },
    "cpu": CPU,
    "best": {  # two hours of them, or an hour of faster ones
        **CPU,
        "preprocess.image_size": 128,
        "train.dropout": 0.2,
        "train.epochs": 22,
        **in_section("partner", EQUIVARIANT),
        "partner.view_size": 96,
        "partner.shrink_to": 64,
        "partner.num_seeds": 2,
        "predict.num_rotations": 8,
    },
    "compact": {  # the same cores, trained from scratch
        **OURS,
        "preprocess.image_size": 86,
        **in_section("train", EQUIVARIANT),
        "train.view_size": 64,
        "predict.num_rotations": 8,
    },
    "gpu": {  # as large as a Kaggle notebook's disk holds
        **PHOTOGRAPHS,
        "preprocess.image_size": 192,
        "train.model": "convnexttiny",
        "train.epochs": 12,
        "train.learning_rate": 2e-4,
        "train.first_layer_rate": 0.1,
    },
    "record": {  # DINOv2's ViT-B/14, to be averaged with a run of gpu
        **PHOTOGRAPHS,
        "train.model": "dinov2",
        "train.epochs": 12,
        "train.learning_rate": 2e-4,
        "train.first_layer_rate": 0.03,  # 0.75 from block to block
        "train.drop_path": 0.1,
    },
    "sirressi2020": {  # the course report's network and training, to compare with
        "preprocess.crop_size": 212,
        "preprocess.image_size": 212,
        "train.model": "sirressi2020",
        "train.head": "linear",
        "train.loss": "huber",
        "train.huber_delta": 1.0,
        "train.epochs": 5,
        "train.batch_size": 32,
        "train.optimizer": "adam",
        "train.schedule": "constant",
        "train.learning_rate": 1e-3,
        "train.warmup": 0.0,
        "train.ema_epochs": 0.0,
        "train.rotate": False,
        "train.flip": False,
        "train.zoom": 1.0,
        "train.shift": 0.0,
    },
    "dieleman2014": {  # the winner's; 25 million images seen, days without a GPU
        "demo.num_train": 12_000,
        "demo.num_test": 3_000,
        # a third, as the winner's; odd like the views, so that their centre is a
        # pixel, and wide enough for the view that is turned by 45 degrees
        "preprocess.crop_size": 297,
        "preprocess.image_size": 99,
        "train.model": "dieleman2014",
        "train.head": "relu",
        "train.epochs": 450,
        "train.batch_size": 16,
        "train.optimizer": "sgd",
        "train.schedule": "steps",
        "train.learning_rate": 0.04,
        "train.warmup": 0.0,
        "train.weight_decay": 0.0,
        "train.dropout": 0.5,
        "train.ema_epochs": 0.0,
        "train.zoom": 1.3,
        "train.colour": 0.5,
        "predict.num_rotations": 10,
        "predict.num_zooms": 3,
        "predict.batch_size": 64,  # each image counts as 16
    },
}
