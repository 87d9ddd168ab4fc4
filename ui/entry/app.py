"""The script that Streamlit runs. It stands alone in its folder: beside a folder `pages` Streamlit would run those."""

from ui.app import main

if __name__ == "__main__":
    main()
