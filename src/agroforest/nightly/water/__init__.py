"""What a night does about the water of the parcels."""
