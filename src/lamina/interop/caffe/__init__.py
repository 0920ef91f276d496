"""Models of Caffe: prototxt, caffemodel, HDF5 weights, solvers and their states."""
