"""Bills of materials of images and wheels, made from the packages that the build puts into them."""
