"""What is counted of columns in one pass: mergeable, and the same to the last bit however the rows were split and ordered."""
