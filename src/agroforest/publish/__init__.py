"""What leaves the desk: CAP, feeds, vector files, styles, the bulletin."""
