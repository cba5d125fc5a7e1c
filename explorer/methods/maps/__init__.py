"""Maps of a latent space: neighbours, the measures of a map's honesty, PCA and UMAP."""
