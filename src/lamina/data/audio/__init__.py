"""Sound: reading files, bringing clips to one rate and length, spectra as features, augmentation."""
