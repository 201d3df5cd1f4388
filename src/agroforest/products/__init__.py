"""What scenes become: index maps, and statistics of them by parcel."""
