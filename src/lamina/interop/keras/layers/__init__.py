"""What each kind of layer becomes, a family a module."""
