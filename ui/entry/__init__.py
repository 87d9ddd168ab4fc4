"""What Streamlit is pointed at: the script and the settings beside it."""
