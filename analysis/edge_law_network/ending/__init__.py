"""Where runs end that cross 2/η and converge: what is said of it by models, laws, and the rate of the drive."""
