"""Classifiers that compare pictures with prototypes: one file a family, all seen as `core.prototypes.PrototypeClassifier`."""
