"""People's labels of sampled documents: their file, estimates from them, cuts and scores judged by them."""
