"""Steps of an image's preparation; each is loaded when its type is named."""
