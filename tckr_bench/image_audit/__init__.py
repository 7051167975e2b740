"""What synthetic images alone give away of the images they were made from, told with a hold-out and without a model."""
