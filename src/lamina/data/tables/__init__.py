"""Tables in text files: cut into blocks of whole records, checked and parsed in threads, given as a lazy frame; and writing them."""
