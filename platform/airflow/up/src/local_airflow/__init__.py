"""A local Airflow of the compose file and the images of the build: started, found again, removed."""
