"""What can be measured of a latent space, of pictures and of what a judge says about them."""
